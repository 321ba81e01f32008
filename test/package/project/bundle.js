// Bundles a file with everything that it imports: node bundle.js TOOL ENTRY FOLDER. Writes FOLDER/bundle.mjs.
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const [tool, entry = '', folder = ''] = process.argv.slice(2);
const [from, path] = [resolve(entry), resolve(folder)];

const tools = {
  async esbuild() {
    const { build } = await import('esbuild');
    const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    const outfile = `${path}/bundle.mjs`;
    await build({
      entryPoints: [from],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js },
    });
  },
  async rspack() {
    const { rspack } = await import('@rspack/core');
    const compiler = rspack({
      entry: from,
      mode: 'production',
      target: 'node22',
      devtool: false,
      output: { path, filename: 'bundle.mjs', module: true, chunkFormat: 'module' },
    });
    const stats = await promisify((done) => compiler.run(done))();
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  },
  async vite() {
    const { build } = await import('vite');
    const rolldownOptions = { output: { entryFileNames: 'bundle.mjs', chunkFileNames: '[hash].mjs' } };
    await build({
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: { ssr: from, outDir: path, rolldownOptions },
    });
  },
};
await tools[tool]();
