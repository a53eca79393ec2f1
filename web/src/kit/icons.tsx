// Drawn here: no icon font, nothing remote. 24 units, stroke of the text's colour.
const paths = {
  chat: "M4 5h16v11H9l-5 4z", book: "M5 4h6a2 2 0 0 1 2 2v14a2 2 0 0 0-2-2H5zM21 4h-6a2 2 0 0 0-2 2v14a2 2 0 0 1 2-2h6z", search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  landscape: "M4 20V10M10 20V4M16 20v-8M22 20H2", left: "M15 5l-7 7 7 7", right: "M9 5l7 7-7 7", metrics: "M3 18l6-7 4 4 8-10M15 5h6v6", report: "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4", system: "M4 5h16v10H4zM9 20h6M12 15v5", menu: "M4 6h16M4 12h16M4 18h16", close: "M6 6l12 12M18 6L6 18", plus: "M12 5v14M5 12h14", send: "M5 12h14M13 6l6 6-6 6", stop: "M7 7h10v10H7z",
  again: "M20 11a8 8 0 1 0-2.3 6M20 5v6h-6", up: "M7 11v9H4v-9zM7 11l4-8a2 2 0 0 1 2 2v4h6a1.5 1.5 0 0 1 1.5 1.8l-1.4 7.4A2 2 0 0 1 17 20H7", down: "M17 13V4h3v9zM17 13l-4 8a2 2 0 0 1-2-2v-4H5a1.500 1.500 0 0 1-1.500-1.800l1.400-7.400A2 2 0 0 1 7 4h10",
  why: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.3-1 .8-1 1.700M12 17v.01", flag: "M5 21V4h13l-2 4 2 4H5", trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13", edit: "M4 20l1-4L16 5l3 3L8 19z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1", sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2", moon: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z", auto: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5zM9 14.500a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5z", down_small: "M5 9l7 7 7-7", usage: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM15 9.500a3 2 0 0 0-6 0c0 3 6 2 6 5a3 2 0 0 1-6 0M12 6v12", trace: "M4 5h9M8 10h8M8 15h5M13 20h7M4 5v15", draft: "M5 3h10l4 4v14H5zM8 12h8M8 16h5M8 8h4", queue: "M9 8a3 3 0 1 0 0-.01M3 20a6 6 0 0 1 12 0M16 6h5M16 10h5M18 14h3", target: "M4 20V4M4 20h16M7 17L19 6",
  play: "M7 5l12 7-12 7z", pause: "M8 5v14M16 5v14", fork: "M6 4v16M6 8c0 5 4 6 12 6M15 11l3 3-3 3", flow: "M3 4h7v5H3zM14 15h7v5h-7zM6.500 9v8.500H14", inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1 3h4l1-3h5", runs: "M4 5v14l7-7zM14 7h6M14 12h6M14 17h6", tool: "M20 7a5 5 0 0 1-7 6l-6 7-3-3 7-6a5 5 0 0 1 6-7l-3 3 3 3z",
  database: "M4 6c0-4 16-4 16 0s-16 4-16 0zM4 6v12c0 4 16 4 16 0V6M4 12c0 4 16 4 16 0",
  agent: "M5 9h14v11H5zM12 9V4M12 4h.01M9 14h.01M15 14h.01M2 13v3M22 13v3", team: "M8 11a3 3 0 1 0 0-.01M17 11a2.500 2.500 0 1 0 0-.01M2 20a6 6 0 0 1 12 0M14.500 15a5 5 0 0 1 7.500 5",
  spec: "M5 3h14v18H5zM9 8h6M9 12h6M9 16h3",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16", file: "M6 3h8l4 4v14H6zM14 3v4h4", keys: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8", check: "M5 12l5 5 9-10",
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

// Filled signs of confidence: check_circle, info, warning.
const signs = {
  check_circle: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-2 15l-5-5 1.400-1.400L10 14.200l7.600-7.600L19 8z",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm1 15h-2v-6h2zm0-8h-2V7h2z",
  warning: "M1 21h22L12 2zm12-3h-2v-2h2zm0-4h-2v-4h2z",
} as const;
export function Sign({ name }: { name: keyof typeof signs }) {
  return <svg className="sign" data-sign={name} width="16" height="16" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path d={signs[name]} /></svg>;
}
