import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "jsdom",
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    isolate: false, // a page for each file takes four times as long as all tests
    restoreMocks: true,
    unstubGlobals: true,
  },
});
