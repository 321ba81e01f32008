import { outputFailed } from '../render/output-file.ts';

/** Prints bytes as they are. @throws OutputFailed if they can't be written, such as on a full disk */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.on('error', (error) => reject(outputFailed('standard output', error)));
    process.stdout.write(bytes, (error) => {
      if (error == null) resolve();
      else reject(outputFailed('standard output', error));
    });
  });
}
