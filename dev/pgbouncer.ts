import { join } from "node:path";
import { findProgram, isRoot, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { installPackages } from "./install.ts";
import { freePort } from "./port.ts";
import { startProcess } from "./server_process.ts";

/** How a pgbouncer is started. */
export interface PgbouncerOptions {
  /** The folder for its configuration and log. */
  readonly folder: string;
  /** The server that it leads to. */
  readonly server: { readonly hostname: string; readonly port: number };
  /** Who may log in, and the password by which he does, here and there. */
  readonly login: { readonly user: string; readonly password: string };
  /** How many sessions it keeps with the server for each database and user. */
  readonly poolSize: number;
  /** Statements that each of these sessions begins with. */
  readonly connectQuery?: string;
}

/** A pgbouncer in transaction mode, of this process; disposing of it stops it. */
export interface Pgbouncer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Starts a pgbouncer on 127.0.0.1, and installs it first where it is missing.
 * Throws one line that says what to do when that is not possible.
 */
export async function startPgbouncer(
  { server, login, poolSize, connectQuery = "", ...options }: PgbouncerOptions,
): Promise<Pgbouncer> {
  const program = await findPgbouncer();
  const folder = await openFolder(options.folder);
  const hostname = "127.0.0.1";
  const port = freePort();
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const userFile = join(folder, "users");
  await Deno.writeTextFile(userFile, `"${login.user}" "${login.password}"\n`);
  const configFile = join(folder, "pgbouncer.ini");
  await Deno.writeTextFile(
    configFile,
    `[databases]
* = host=${server.hostname} port=${server.port} connect_query=${
      quote(connectQuery)
    }
[pgbouncer]
listen_addr = ${hostname}
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${userFile}
pool_mode = transaction
default_pool_size = ${poolSize}
`,
  );
  const running = await startProcess({
    name: "pgbouncer",
    folder,
    words: [program, configFile],
    user: "postgres", // it refuses to be root
    endSignal: "SIGTERM",
    isReady: () => isListening(hostname, port),
  });
  return {
    hostname,
    port,
    // SIGTERM waits for the clients to leave, in newer versions
    [Symbol.asyncDispose]: () => running.end("SIGQUIT"),
  };
}

/** Whether it is there, or can be installed: it is not, and cannot, where no root is or no apt-get. */
export async function canHavePgbouncer(): Promise<boolean> {
  const found = await lookForPgbouncer();
  return found !== undefined ||
    isRoot() && await findProgram("apt-get") !== undefined;
}

/** The program, which is installed where it is missing. */
async function findPgbouncer(): Promise<string> {
  const name = "pgbouncer";
  const found = await lookForPgbouncer();
  if (found) return found;
  await installPackages([name], name);
  // the package starts one of its own, which is not wanted
  await runCommand(["service", name, "stop"]).catch(() => {});
  const installed = await lookForPgbouncer();
  if (installed) return installed;
  throw new Error(
    `Cannot find ${name}: its package brought no program. Put it on PATH`,
  );
}

async function lookForPgbouncer(): Promise<string | undefined> {
  const packaged = "/usr/sbin/pgbouncer"; // PATH may lack this folder
  return await findProgram("pgbouncer") ??
    (await Deno.stat(packaged).then(() => packaged).catch(() => undefined));
}

async function isListening(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false; // not yet
  }
}
