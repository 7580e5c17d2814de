import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

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
