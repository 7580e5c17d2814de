import { type RefObject, useEffect, useState } from "react";

/** Whether a place of the page is, or was, nearly in sight. */
export function useNear(place: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    const at = place.current;
    if (!at || near) return;
    if (!("IntersectionObserver" in window)) return setNear(true);
    const seen = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && setNear(true), {
      rootMargin: "300px",
    });
    seen.observe(at);
    return () => seen.disconnect();
  }, [near, place]);
  return near;
}
