/**
 * Key and request id, when the cell was given none; the key alone where the requests are known. The key leaves in one custom message and the field empties itself;
 * it is never in a trait, in the page's address or in the browser's form history.
 */
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { Button } from "../ui/Button";
import { OWN_KEYS } from "../ui/keys";

interface Props {
  /** Null where none is asked for. */
  requestId: string | null;
  /** Whether the kernel has a key already, so that an empty field keeps it. */
  hasKey: boolean;
  /** Why the kernel did not take what was sent, or "". */
  kernelError: string;
  onStart(key: string, requestId: string): void;
}

export function Form({ requestId, hasKey, kernelError, onStart }: Props): VNode {
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
  // Not a submit: a sandboxed frame without "allow-forms" blocks those, and then nothing would happen.
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    start();
  };
  const problem = lacking || kernelError;
  const field = { spellcheck: false, autocomplete: "off", onKeyDown, ...OWN_KEYS };
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <label>
        API key
        <input ref={key} type="password" placeholder={hasKey ? "keep the one in use" : ""} {...field} />
      </label>
      {requestId !== null && (
        <label>
          Request id
          <input ref={id} type="text" defaultValue={requestId} {...field} />
        </label>
      )}
      <Button data-main onClick={start}>
        Fetch
      </Button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
