import { generate } from 'selfsigned';

/** A server's certificate and key, and its authority, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const names = ['localhost', 'host.docker.internal'];

/** Makes a certificate for this machine, also for its name in containers. */
export async function makeCertificate(keyType: 'ec' | 'rsa' = 'ec'): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
    ],
  });
  return { cert, key };
}
