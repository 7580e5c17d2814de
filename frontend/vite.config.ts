import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compress } from "./build/compress.ts";
import { documents } from "./build/documents.ts";
import { emojis } from "./build/emojis.ts";
import { partedStyles } from "./build/styles.ts";
import { early, words } from "./build/words.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const backend = process.env.BACKEND ?? "http://127.0.0.1:8080";

export default defineConfig({
  root: here,
  plugins: [
    documents(`${here}src/gql`),
    words(),
    early("src/app/App.tsx"),
    emojis(),
    react(),
    partedStyles("src/app/Inside.tsx"),
    compress(),
  ],
  build: {
    outDir: "dist",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // these know light-dark(); lowered it would not follow the switch
    emptyOutDir: true,
    chunkSizeWarningLimit: 2500,
    rollupOptions: { input: { main: `${here}index.html`, playground: `${here}playground.html` } },
  },
  server: {
    proxy: {
      "/graphql": { target: backend, ws: true },
      "/downloads": backend,
      "/admin": backend,
      "/schema.graphql": backend,
    },
  },
  test: { environment: "jsdom", include: ["{src,gallery}/**/*.test.{ts,tsx}"] },
});
