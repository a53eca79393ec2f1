import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The program embeds dist/: index.html and assets/. Nothing is inlined, so that the page's policy needs no exceptions.
export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", assetsInlineLimit: 0, target: "es2023", cssTarget: ["chrome123", "firefox121", "safari17.5"], reportCompressedSize: true },
  server: { proxy: { "/v1": "http://localhost:8080", "/strata": "http://localhost:8080" } },
  test: { environment: "node", include: ["src/**/*.test.ts", "tools/*.test.mjs"] },
});
