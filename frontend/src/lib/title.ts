const product = "Event Stream Engine";
let page = "";
let unread = "";

const show = () => {
  document.title = `${unread && `(${unread}) `}${page ? `${page} · ` : ""}${product}`;
};

/** The name of the page in the browser's tab. */
export function setPageTitle(name: string) {
  page = name;
  show();
}

/** How many conversations wait, before the name of every page; "" for none. */
export function setUnreadTitle(count: string) {
  unread = count;
  show();
}
