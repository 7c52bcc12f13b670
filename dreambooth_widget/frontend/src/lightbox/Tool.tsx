import type { ComponentChildren, VNode } from "preact";
import { Icon, type IconName } from "../icons";
import { OWN_KEYS } from "../keys";

interface ToolProps {
  label: string;
  onClick(): void;
  icon?: IconName;
  /** The key that does the same, for the tip. */
  hint?: string;
  /** Beside Preact's own: the state of a toggle, or of a button at its end. */
  pressed?: boolean;
  expanded?: boolean;
  disabled?: boolean;
  class?: string;
  /** At the far side of the stage. */
  next?: boolean;
  children?: ComponentChildren;
}

/** A button of the lightbox. At its end it is `aria-disabled` and not `disabled`: it must not lose the focus. */
export function Tool({
  label,
  onClick,
  icon,
  hint,
  pressed,
  expanded,
  disabled,
  next,
  children,
  ...rest
}: ToolProps): VNode {
  return (
    <button
      type="button"
      class={rest.class}
      data-next={next}
      aria-label={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-disabled={disabled || undefined}
      title={hint ? `${label} (${hint})` : label}
      onClick={() => disabled || onClick()}
      {...OWN_KEYS}
    >
      {icon ? <Icon name={icon} /> : children}
    </button>
  );
}
