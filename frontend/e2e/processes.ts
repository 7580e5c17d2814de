import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "@playwright/test";
import { allDelivered, done } from "./look";

/** Where the repository lies. */
export const root = join(import.meta.dirname, "../..");

/** What an installation is told that has its own Postgres and the sandbox, whatever this machine is told. */
export const alone = {
  DATABASE_URL: "",
  TWILIO_ACCOUNT_SID: "",
  TWILIO_AUTH_TOKEN: "",
  OIDC_ISSUER: "",
  LOG_LEVEL: "warn",
};

/** Starts a process, hands it on at once, so that somebody ends it, and gives the first match of its output. */
export async function started(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  match: RegExp,
  began: (child: ChildProcess) => void,
): Promise<RegExpMatchArray> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, cwd: root });
  began(child);
  let out = "";
  child.stderr.on("data", (data) => {
    out += data;
  });
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (data) => {
      out += data;
      const told = out.match(match);
      if (told) resolve(told);
    });
    child.on("exit", () => reject(new Error(`${command} ended: ${out}`)));
  });
}

/** Has a process end by itself, and waits for that. */
export async function ended(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  await over;
}

/** Who may do everything in an installation that these tests begin. */
const admin = { name: "Ada Admin", email: "ada@shop.example", password: "a long enough password" };

/**
 * An installation of its own, beside that of the story, for what holds for a whole workspace or counts all that is in
 * it. It listens so far above the port of the story. Its admin is signed in with `session`.
 */
export function installation(name: string, above: number) {
  const port = Number(process.env.E2E_PORT ?? "8097") + above;
  const url = `http://localhost:${port}`;
  const dir = join(tmpdir(), `eventstream-${name}-${process.pid}`);
  const session = join(dir, "signed-in.json");
  let server: ChildProcess | undefined;
  return {
    url,
    session,
    async start() {
      rmSync(dir, { recursive: true, force: true }); // of a run that was killed
      mkdirSync(dir);
      const env = {
        ...alone,
        LISTEN_ADDR: `127.0.0.1:${port}`,
        DATA_DIR: join(dir, "engine"),
        ADMIN_EMAIL: admin.email,
        ADMIN_PASSWORD: admin.password,
      };
      await started(join(root, "bin/server"), [], env, /Open\s+(\S+)/, (child) => {
        server = child;
      });
      const context = await request.newContext({ baseURL: url, storageState: { cookies: [], origins: [] } });
      const { email, password } = admin;
      const { operator } = await done({ request: context }, "signIn", { email, password }, "operator { id }");
      await done({ request: context }, "operatorUpdate", { id: operator.id, name: admin.name });
      await allDelivered({ request: context });
      await context.storageState({ path: session });
      await context.dispose();
    },
    async end() {
      if (server) await ended(server);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
