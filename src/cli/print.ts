import { outputFailed } from '../render/output-file.ts';

/** Prints bytes as they are. @throws OutputFailed where they can't be written, as when the disk is full */
export async function printBytes(bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.on('error', (error) => reject(outputFailed('standard output', error)));
    process.stdout.write(bytes, (error) => {
      if (error == null) resolve();
      else reject(outputFailed('standard output', error));
    });
  });
}
