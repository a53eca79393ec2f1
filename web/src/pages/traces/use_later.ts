// What is typed is shown at once and goes into the address a moment later.
import { useEffect, useRef, useState } from "react";

export function useLater(value: string, set: (value: string | null) => void, waitMs = 250): [string, (text: string) => void] {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  useEffect(() => { if (value !== sent.current) { sent.current = value; setTyped(value); } }, [value]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => { sent.current = typed; set(typed || null); }, waitMs);
    return () => clearTimeout(timer);
  }, [typed, set, waitMs]);
  return [typed, setTyped];
}
