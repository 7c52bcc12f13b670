import { defineConfig } from "vitest/config";

export default defineConfig({
  // The bundle's own JSX: Vite does not look at tsconfig.json for this.
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
