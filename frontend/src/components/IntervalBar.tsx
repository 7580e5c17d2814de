import { t } from "@lingui/core/macro";
import { points } from "../lib/format";
import styles from "./IntervalBar.module.css";

/**
 * A difference of two shares, −1 to 1, and what it may truly be, in percentage points, with 0 in its place. Green: surely
 * more; red: surely less; grey: 0 may be the truth.
 */
export function IntervalBar(props: { difference: number; low: number; high: number; label: string }) {
  const { difference, low, high, label } = props;
  const from = Math.min(low, 0);
  const width = Math.max(high, 0) - from || 1;
  const place = (n: number) => `${(((n - from) / width) * 100).toFixed(2)}%`;
  const color = low > 0 ? "var(--mantine-color-brand-6)" : high < 0 ? "var(--mantine-color-red-6)" : undefined;
  return (
    <div
      role="img"
      aria-label={t`${label}: ${points(difference)} points, 95% sure between ${points(low)} and ${points(high)}`}
      className={styles.bar}
    >
      <span className={styles.end}>{points(from)}</span>
      <div className={styles.track}>
        <div
          className={styles.band}
          style={{ left: place(low), right: `calc(100% - ${place(high)})`, background: color }}
        />
        {low < 0 && high > 0 && <div className={styles.zero} style={{ left: place(0) }} />}
        <div className={styles.point} style={{ left: place(difference) }} />
      </div>
      <span className={styles.end}>{points(from + width)}</span>
    </div>
  );
}
