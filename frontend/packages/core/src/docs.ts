/** Links between pages of the documentation. Used by the page that shows them. */

/** The address in the web page for a link that the Markdown of page `name` holds; others stay as they are. */
export function docsLink(name: string, href: string): string {
  if (/^[a-z]+:|^#|^\//i.test(href)) return href;
  const target = new URL(href, `http://docs/docs/${name}`);
  return target.pathname.endsWith(".md") ? target.pathname.slice(0, -3) + target.hash : href;
}
