const most = 3;

/**
 * Starts a server, up to three times. A port that was free may be taken before the server listens: other tests look for
 * ports at the same time. So each attempt has to choose its ports anew.
 */
export async function startInAttempts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === most) throw error;
    }
  }
}
