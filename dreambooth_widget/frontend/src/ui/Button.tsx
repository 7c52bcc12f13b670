/** Buttons that submit nothing and keep plain keys from the notebook. */
import type { ButtonHTMLAttributes, TargetedMouseEvent, VNode } from "preact";
import { Icon, type IconName } from "./icons";
import { OWN_KEYS } from "./keys";

export const Button = (props: ButtonHTMLAttributes): VNode => <button type="button" {...OWN_KEYS} {...props} />;

interface IconButtonProps extends Omit<ButtonHTMLAttributes, "label" | "icon"> {
  label: string;
  icon?: IconName | undefined;
  /** For the tip: the key that does the same, or what is lacking. */
  hint?: string | undefined;
  /** Cannot be used now. It keeps its focus: `disabled` would drop it into the notebook. */
  off?: boolean;
  onClick(event: TargetedMouseEvent<HTMLButtonElement>): unknown;
}

/** A button with an icon, a word or both. */
export function IconButton({ label, icon, hint, off, onClick, children, ...rest }: IconButtonProps): VNode {
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
