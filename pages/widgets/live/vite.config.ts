// One ES file, the worker within it, and one style sheet: what Streamlit hands to the browser.
import { defineConfig } from "vite";

export default defineConfig({
  worker: { format: "es" },
  build: {
    outDir: "built",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/main.ts", formats: ["es"], fileName: () => "live.js", cssFileName: "live" },
  },
});
