/** A button with an icon, a word or both. */
import type { ButtonHTMLAttributes, TargetedMouseEvent, VNode } from "preact";
import { Button } from "./Button";
import { Icon, type IconName } from "./icons";

interface Props extends Omit<ButtonHTMLAttributes, "label" | "icon"> {
  label: string;
  icon?: IconName | undefined;
  /** For the tip: the key that does the same, or what is lacking. */
  hint?: string | undefined;
  /** Cannot be used now. It keeps its focus: `disabled` would drop it into the notebook. */
  off?: boolean;
  onClick(event: TargetedMouseEvent<HTMLButtonElement>): unknown;
}

export function Tool({ label, icon, hint, off, onClick, children, ...rest }: Props): VNode {
  return (
    <Button
      aria-label={label}
      aria-disabled={off || undefined}
      title={hint ? `${label} (${hint})` : label}
      {...rest}
      onClick={(event) => {
        if (!off) onClick(event);
      }}
    >
      {icon && <Icon name={icon} />}
      {children}
    </Button>
  );
}
