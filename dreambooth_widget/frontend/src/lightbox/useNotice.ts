import { useEffect, useState } from "preact/hooks";

export interface Notice {
  text: string;
  /** For the eyes too, not only for a screen reader. */
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
