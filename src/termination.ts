/** SIGTERM or SIGINT aborts the signal; the next one ends the process at once, as it does by default. */
export function listenForTermination():
  & Disposable
  & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  function terminate(): void {
    forget();
    controller.abort();
  }
  function forget(): void {
    for (const name of names) Deno.removeSignalListener(name, terminate);
  }
  for (const name of names) Deno.addSignalListener(name, terminate);
  return { signal: controller.signal, [Symbol.dispose]: forget };
}
