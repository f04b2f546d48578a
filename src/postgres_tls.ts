/** How the server proves who it is, and the agent who it is; each in PEM text. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate bears, where it is not the host's. */
  readonly serverName?: string;
}

/** What the driver is told of TLS: the certificate is always verified. */
export function tlsOptions(
  { ca, cert, key, serverName }: TlsFiles,
): Readonly<Record<string, string | boolean>> {
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}
