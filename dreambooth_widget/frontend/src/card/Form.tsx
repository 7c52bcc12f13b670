/**
 * Key and request id, when the cell was given none; the key alone where the request is known. The key leaves in one
 * custom message and the field empties itself; it is never in a trait, in the page's address or in the form history.
 */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../ui/Button";
import { OWN_KEYS } from "../ui/keys";

interface Props {
  /** Null where it is known. */
  requestId: string | null;
  /** Whether the kernel has a key already, so that an empty field keeps it. */
  hasKey: boolean;
  /** Why the kernel refused what was sent, or "". */
  kernelError: string;
  /** Whether the key field takes the focus when the form appears. */
  focused?: boolean;
  onStart(key: string, requestId: string): void;
  /** Escape closes the form, where there is something behind it. */
  onCancel?(): void;
}

export function Form({ requestId, hasKey, kernelError, focused, onStart, onCancel }: Props): VNode {
  const key = useRef<HTMLInputElement>(null);
  const id = useRef<HTMLInputElement>(null);
  const [lacking, setLacking] = useState("");
  const start = (): void => {
    const [secret, request] = [key.current?.value.trim() ?? "", id.current?.value.trim() ?? ""];
    const empty = !secret && !hasKey ? key : request || requestId === null ? null : id;
    setLacking(empty ? `The ${empty === key ? "API key" : "request id"} is missing.` : "");
    empty?.current?.focus();
    if (empty) return;
    if (key.current) key.current.value = "";
    onStart(secret, request);
  };
  useEffect(() => {
    if (focused) key.current?.focus({ preventScroll: true });
  }, []);
  // Not a submit: a sandboxed frame without "allow-forms" blocks those, and then nothing would happen.
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && onCancel) onCancel();
    else if (event.key === "Enter") start();
    else return;
    event.preventDefault();
  };
  const problem = lacking || kernelError;
  const field = { spellcheck: false, autocomplete: "off", onKeyDown, ...OWN_KEYS };
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <label>
        API key
        <input ref={key} type="password" placeholder={hasKey ? "Keep the one in use" : ""} {...field} />
      </label>
      {requestId !== null && (
        <label>
          Request id
          <input ref={id} type="text" defaultValue={requestId} {...field} />
        </label>
      )}
      <Button data-main onClick={start}>
        Show pictures
      </Button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
