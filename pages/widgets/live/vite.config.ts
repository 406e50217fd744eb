// Two ES files, each whole (the live view's with its worker and one style sheet): what Streamlit hands to the browser.
import { defineConfig } from "vite";

export default defineConfig({
  worker: { format: "es" },
  build: {
    outDir: "built",
    emptyOutDir: false, // the types of what views are sent lie there too
    target: "es2022",
    lib: {
      entry: { live: "src/main.ts", steps: "src/history/steps.ts" },
      formats: ["es"],
      fileName: (_, name) => `${name}.js`,
      cssFileName: "live",
    },
  },
});
