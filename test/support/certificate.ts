import { generate } from 'selfsigned';

/** What a server shows, and its own authority. In PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const names = ['localhost', 'host.docker.internal'];

/** A certificate of this machine, also by the name that containers know it by. */
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
