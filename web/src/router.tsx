// Every view has a URL. The path says where, the query says how it is filtered; both are the only view state there is.
import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const changed = () => listeners.forEach((listener) => listener());
window.addEventListener("popstate", changed);

export function subscribePath(listener: () => void) {
  listeners.add(listener);
  return () => { listeners.delete(listener); };
}

export function navigate(to: string, options: { replace?: boolean } = {}) {
  if (to === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  changed();
}

export const usePath = () => useSyncExternalStore(subscribePath, () => location.pathname);
export const usePathParts = () => usePath().split("/").filter(Boolean).map(decodePart);

function decodePart(part: string): string {
  try { return decodeURIComponent(part); } catch { return part; }
}

export function withParams(changes: Record<string, string | null>, path = location.pathname): string {
  const params = new URLSearchParams(path === location.pathname ? location.search : "");
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") params.delete(name);
    else params.set(name, value);
  }
  const query = params.toString();
  return query ? `${path}?${query}` : path;
}

export function useParam(name: string): [string, (value: string | null) => void] {
  const search = useSyncExternalStore(subscribePath, () => location.search);
  const set = useCallback((value: string | null) => navigate(withParams({ [name]: value }), { replace: true }), [name]);
  return [new URLSearchParams(search).get(name) ?? "", set];
}

export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={to} onClick={click} {...rest} />;
}
