/** By group in the order of Unicode: a line for each emoji, which is itself, its name and more words, parted by tabs. */
declare module "virtual:emojis" {
  const groups: string[];
  export default groups;
}
