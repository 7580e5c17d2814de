import { Fragment, type ReactNode, useMemo } from "react";
import { type Block, type Inline, parse } from "../lib/whatsapp";
import classes from "./WhatsAppText.module.css";

/** A message's text with its formatting, as WhatsApp shows it. links: addresses can be followed. */
export function WhatsAppText(props: { children: string; links?: boolean }) {
  const blocks = useMemo(() => parse(props.children), [props.children]);
  return (
    <div className={classes.text} dir="auto">
      {blocks.map((b, i) => (
        <Part key={i} block={b} links={props.links} />
      ))}
    </div>
  );
}

function Part({ block: b, links }: { block: Block; links?: boolean }) {
  if (b.kind === "text") return <div>{pieces(b.of, links)}</div>;
  if (b.kind === "quote")
    return (
      <blockquote>
        {b.lines.map((l, i) => (
          <div key={i}>{pieces(l, links)}</div>
        ))}
      </blockquote>
    );
  const items = b.items.map((l, i) => <li key={i}>{pieces(l, links)}</li>);
  return b.kind === "bullets" ? <ul>{items}</ul> : <ol start={b.start}>{items}</ol>;
}

function pieces(of: Inline[], links?: boolean): ReactNode[] {
  return of.map((p, i) => {
    if (typeof p === "string") return <Fragment key={i}>{p}</Fragment>;
    if (p.kind === "bold") return <strong key={i}>{pieces(p.of, links)}</strong>;
    if (p.kind === "italic") return <em key={i}>{pieces(p.of, links)}</em>;
    if (p.kind === "strike") return <s key={i}>{pieces(p.of, links)}</s>;
    if (p.kind === "mono") return <code key={i}>{p.text}</code>;
    if (!links)
      return (
        <span key={i} className={classes.link}>
          {p.text}
        </span>
      );
    return (
      <a key={i} className={classes.link} href={p.href} target="_blank" rel="noreferrer">
        {p.text}
      </a>
    );
  });
}
