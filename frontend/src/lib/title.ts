/** What the product is called where nobody has given the workspace a name. */
export const product = "Event Stream Engine";
let workspace = product;
let page = "";
let unread = "";

const show = () => {
  document.title = `${unread && `(${unread}) `}${page ? `${page} · ` : ""}${workspace}`;
};

/** The name of the workspace, behind that of every page. */
export function setWorkspaceTitle(name: string) {
  workspace = name || product;
  show();
}

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
