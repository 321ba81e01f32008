/**
 * Works on items while they are being listed, on a limited number at once. After an error no more work begins.
 *
 * @throws the first error, of the list or of the work
 */
export async function workAtOnce<T>(
  items: AsyncIterable<T>,
  mostAtOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const errors: unknown[] = [];
  for await (const item of items) {
    if (errors.length > 0) break;
    // An error is kept, because nothing awaits this promise while the next page is being listed.
    const one: Promise<void> = work(item)
      .catch((error: unknown) => void errors.push(error))
      .finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= mostAtOnce) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  if (errors.length > 0) throw errors[0];
}
