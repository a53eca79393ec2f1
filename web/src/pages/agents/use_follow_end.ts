// Keeps the end of what grows in view while the reader is there, and stays where they scrolled to.
import { useCallback } from "react";

const nearPx = 120;
export function useFollowEnd() {
  return useCallback((box: HTMLElement | null) => {
    if (!box) return;
    let atEnd = true;
    const scrolled = () => { atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < nearPx; };
    const grown = new ResizeObserver(() => { if (atEnd) box.scrollTop = box.scrollHeight; });
    box.addEventListener("scroll", scrolled);
    for (const child of box.children) grown.observe(child);
    return () => { box.removeEventListener("scroll", scrolled); grown.disconnect(); };
  }, []);
}
