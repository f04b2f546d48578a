/** What is opened in a scope is closed with it, the last first. */
export interface Scope {
  /** Takes over `resource`, and gives it back. */
  add<Resource extends AsyncDisposable | Disposable>(
    resource: Resource,
  ): Resource;
  /** Closes all, also when closing one of them fails: that failure is thrown at the end. */
  close(): Promise<void>;
}

/**
 * Opens a scope, to be closed in a `finally`.
 *
 * What `await using` does, in the words of older runtimes: a bundle is not rewritten for these, and an executable may have
 * to be made with one.
 */
export function openScope(): Scope {
  const resources: (AsyncDisposable | Disposable)[] = [];
  return {
    add(resource) {
      resources.push(resource);
      return resource;
    },
    async close() {
      const failures: unknown[] = [];
      for (const resource of resources.splice(0).reverse()) {
        try {
          if (Symbol.asyncDispose in resource) {
            await resource[Symbol.asyncDispose]();
          } else resource[Symbol.dispose]();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
