/** A hub on this machine with one model, which can be told to behave badly; and a proxy that wants a password. */
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as path from 'node:path';

export const commit = 'c0ffee'.padEnd(40, '0');

/** What is wrong with answers for the model file; each request takes the next one, then all is well. */
export type Fault =
  | 'breaksOff'
  | 'stalls'
  | 'flipsBit'
  | 'sendsMore'
  | 'sendsLess'
  | 'ignoresRange'
  | 'redirects'
  | 'serverError'
  | 'notFound'
  | 'refuses';

export interface HubServer {
  readonly endpoint: string;
  /** "METHOD path" with the range where one was asked for. */
  readonly requests: string[];
  faults: Fault[];
  /** Asked for with every request when set. */
  token: string | undefined;
  stop(): Promise<void>;
}

/** Serves the files of a folder as owner/name. */
export async function startHub(folder: string, name = 'owner/tiny'): Promise<HubServer> {
  const files = new Map(
    fs
      .readdirSync(folder, { recursive: true })
      .map(String)
      .filter((file) => fs.statSync(path.join(folder, file)).isFile())
      .map((file) => [file.split(path.sep).join('/'), fs.readFileSync(path.join(folder, file))]),
  );
  const hub = { requests: [] as string[], faults: [] as Fault[], token: undefined };
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://hub');
    const range = request.headers.range;
    hub.requests.push(`${request.method} ${url.pathname}${range ? ` ${range}` : ''}`);
    const wanted = (hub as HubServer).token;
    if (wanted && request.headers.authorization !== `Bearer ${wanted}`)
      return void response.writeHead(401).end();
    if (url.pathname.startsWith(`/api/models/${name}/revision/`))
      return void response.end(JSON.stringify(listOf(files)));
    const file = url.pathname.replace(`/${name}/resolve/${commit}/`, '').replace('/cdn/', '');
    const bytes = files.get(file);
    if (!bytes) return void response.writeHead(404).end();
    const isModel = file.endsWith('.onnx');
    answer(response, bytes, range, isModel ? hub.faults.shift() : undefined, `/cdn/${file}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return Object.assign(hub, {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

function listOf(files: ReadonlyMap<string, Buffer>): unknown {
  const siblings = [...files].map(([rfilename, bytes]) => {
    const sha256 = crypto.createHash('sha256').update(bytes).digest('hex');
    const blobId = crypto
      .createHash('sha1')
      .update(`blob ${bytes.length}\0`)
      .update(bytes)
      .digest('hex');
    const isLarge = rfilename.endsWith('.onnx');
    return { rfilename, size: bytes.length, blobId, ...(isLarge && { lfs: { sha256 } }) };
  });
  return { sha: commit, siblings };
}

function answer(
  response: http.ServerResponse,
  whole: Buffer,
  range: string | undefined,
  fault: Fault | undefined,
  elsewhere: string,
): void {
  const statuses = { serverError: 503, notFound: 404, refuses: 403 } as const;
  if (fault === 'redirects') return void response.writeHead(302, { location: elsewhere }).end();
  if (fault === 'serverError' || fault === 'notFound' || fault === 'refuses')
    return void response.writeHead(statuses[fault]).end();
  const from = fault === 'ignoresRange' ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const bytes = Buffer.from(whole.subarray(from));
  if (from > 0)
    response.writeHead(206, {
      'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}`,
    });
  if (fault === 'flipsBit') bytes[bytes.length >> 1]! ^= 1;
  if (fault === 'sendsMore') return void response.end(Buffer.concat([bytes, Buffer.alloc(99)]));
  if (fault === 'sendsLess') return void response.end(bytes.subarray(0, bytes.length >> 1));
  // Half of it, and then neither more nor an end.
  if (fault === 'stalls') return void response.write(bytes.subarray(0, bytes.length >> 1));
  if (fault === 'breaksOff')
    return void response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () =>
      response.destroy(),
    );
  response.end(bytes);
}

/**
 * A proxy for http and https that lets through who knows the password; `asked` lists hosts. Names that end in ".test" are
 * this machine, which nobody can ask for by its own name: that would not go through a proxy.
 */
export async function startProxy(
  credentials: string,
): Promise<{ readonly port: number; readonly asked: string[]; stop(): Promise<void> }> {
  const asked: string[] = [];
  const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
  const isAllowed = (request: http.IncomingMessage): boolean =>
    request.headers['proxy-authorization'] === expected;
  const known = (host: string): string => (host.endsWith('.test') ? '127.0.0.1' : host);
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    if (!isAllowed(request)) return void response.writeHead(407).end();
    const url = new URL(request.url!);
    url.hostname = known(url.hostname);
    const forwarded = http.request(url, { headers: request.headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  const sockets = new Set<net.Socket>();
  server.on('connect', (request: http.IncomingMessage, client: net.Socket) => {
    asked.push(request.url ?? '');
    if (!isAllowed(request))
      return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const [host, port] = (request.url ?? '').split(':');
    const target = net.connect(Number(port), known(host ?? ''), () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    asked,
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
