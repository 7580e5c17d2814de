import { locale } from "./language";
import { zoneName } from "./zone";

/**
 * Who reads, as the server wants to know it: what it says comes in the language of the page, with numbers and times as
 * the pages write them.
 */
export const reader = () => ({ "Accept-Language": locale, "Time-Zone": zoneName() });
