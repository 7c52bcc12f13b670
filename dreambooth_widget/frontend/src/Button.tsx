/** A button that submits nothing and keeps its keys from the notebook. */
import type { ButtonHTMLAttributes, VNode } from "preact";
import { OWN_KEYS } from "./keys";

export const Button = (props: ButtonHTMLAttributes): VNode => <button type="button" {...OWN_KEYS} {...props} />;
