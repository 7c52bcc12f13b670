import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

/** `seen`: for the eyes too, not only for a screen reader. */
interface Notice {
  text: string;
  seen: boolean;
}

const SECONDS = 4;

/** What the dialog's status region says, for some seconds. */
export function useNotice(): [Notice, (text: string, seen?: boolean) => void] {
  const [notice, set] = useState<Notice>({ text: "", seen: false });
  useEffect(() => {
    const timer = setTimeout(set, SECONDS * 1000, { text: "", seen: false });
    return () => clearTimeout(timer);
  }, [notice]);
  return [notice, (text, seen = true) => set({ text, seen })];
}

/** Inside the dialog: while it is open, regions outside are inert and say nothing. */
export function Noticed({ text, seen }: Notice): VNode {
  return (
    <p class="dreambooth-notice" data-heard={!seen || undefined} role="status">
      {text}
    </p>
  );
}
