// Markdown from models and documents. No HTML, no images (an address fetched is a message sent), links only when a person clicks.
import type { ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { splitCitations } from "../format/citations";

interface Node { type: string; value?: string; children?: Node[]; data?: { hName: string; hProperties: Record<string, string> } }

function citations(known: ReadonlySet<number>) {
  const walk = (node: Node) => {
    node.children = node.children?.flatMap((child): Node[] => {
      if (child.type !== "text") { walk(child); return [child]; }
      return splitCitations(child.value ?? "", known).map((part) => (typeof part === "string" ? { type: "text", value: part }
        : { type: "citation", data: { hName: "cite", hProperties: { title: String(part) } }, children: [] }));
    });
  };
  return () => (tree: unknown) => walk(tree as Node);
}

export default function Markdown({ text, known, chip }: { text: string; known: ReadonlySet<number>; chip: (number: number) => ReactNode }) {
  const components: Components = {
    img: ({ alt }) => <span className="no-image">{alt || "image"}</span>,
    a: ({ href, children }) => (href && /^(https?:|mailto:)/.test(href) ? <a href={href} target="_blank" rel="noopener noreferrer nofollow">{children}</a> : <span>{children}</span>),
    cite: ({ title }) => <>{chip(Number(title))}</>,
    table: ({ children }) => <div className="table-scroll" tabIndex={0} role="region" aria-label="Table"><table>{children}</table></div>,
    pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
  };
  return <div className="markdown"><ReactMarkdown remarkPlugins={[remarkGfm, citations(known)]} components={components}>{text}</ReactMarkdown></div>;
}
