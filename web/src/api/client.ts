// One way to talk to the server: JSON in, JSON out, errors as ApiError, and whether the server can be reached.
export class ApiError extends Error {
  constructor(message: string, readonly status: number, readonly code: string, readonly requestId: string) {
    super(message);
    this.name = "ApiError";
  }
  get lost(): boolean { return this.status === 0; }
}

type Listener = () => void;
let reachable = true;
const listeners = new Set<Listener>();
export const connection = {
  get: () => reachable,
  set(value: boolean) {
    if (value === reachable) return;
    reachable = value;
    listeners.forEach((listener) => listener());
  },
  subscribe(listener: Listener) {
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  },
};

export async function errorOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id") ?? "";
  let message = `The server answered ${response.status}.`, code = "";
  try {
    const body = await response.json() as { error?: { message?: string; code?: string | null } };
    if (body.error?.message) message = body.error.message;
    code = body.error?.code ?? "";
  } catch { /* no JSON: the status is all there is */ }
  return new ApiError(message, response.status, code, requestId);
}

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", redirect: "error", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    connection.set(false);
    throw new ApiError("The server cannot be reached.", 0, "connection_lost", "");
  }
  connection.set(true);
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const response = await request(path, init);
  return await response.json() as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, signal);
export const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);
export const patch = <T>(path: string, body: unknown) => call<T>("PATCH", path, body);
export const put = <T>(path: string, body: unknown = {}) => call<T>("PUT", path, body);
export const remove = <T>(path: string) => call<T>("DELETE", path);
