import { fileExists, findProgram, isRoot, runCommand } from "./command.ts";
import { showStep } from "./progress.ts";

// one apt-get at a time: a second one fails while the first holds the lock
let installing: Promise<void> = Promise.resolve();

/**
 * Installs Debian packages where that is possible: as root on Debian or Ubuntu.
 * Elsewhere throws one line that says what to install; `need` names it for people.
 */
export function installPackages(
  packages: readonly string[],
  need: string,
): Promise<void> {
  const install = () => installNow(packages, need);
  const mine = installing.then(install, install);
  installing = mine.catch(() => {});
  return mine;
}

async function installNow(
  packages: readonly string[],
  need: string,
): Promise<void> {
  if (!isRoot() || !await findProgram("apt-get")) {
    throw new Error(
      `Cannot find ${need}: it is not installed. Install it (on Debian or Ubuntu: sudo apt-get install ${
        packages.join(" ")
      }) and run this again`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await showStep(`Installing ${packages.join(", ")} by apt-get`, async () => {
    await using _ = await withoutMainCluster();
    const wait = "DPkg::Lock::Timeout=300";
    await runCommand(["apt-get", "-q", "-o", wait, "update"], { env });
    const options = ["-q", "-y", "-o", wait, "--no-install-recommends"];
    await runCommand(["apt-get", ...options, "install", ...packages], { env });
  });
}

/** Keeps Debian's package from making and starting a server of its own on port 5432. */
async function withoutMainCluster(): Promise<AsyncDisposable> {
  const file = "/etc/postgresql-common/createcluster.d/pg2es-dev.conf";
  const there = await fileExists("/etc/postgresql-common");
  await Deno.mkdir("/etc/postgresql-common/createcluster.d", {
    recursive: true,
  });
  await Deno.writeTextFile(file, "create_main_cluster = false\n");
  return {
    async [Symbol.asyncDispose]() {
      await Deno.remove(file);
      if (there) return;
      // what the package did not fill goes again
      await Deno.remove("/etc/postgresql-common/createcluster.d").catch(
        () => {},
      );
      await Deno.remove("/etc/postgresql-common").catch(() => {});
    },
  };
}
