import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  label: ComponentChildren;
  hint?: ComponentChildren;
  error?: string | null;
  /** Shown at the end of the label's line, such as a value in words. */
  aside?: ComponentChildren;
  children: (attributes: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => ComponentChildren;
}

/** A label, an input, and below it what it means or what is wrong with it. */
export function Field({ label, hint, error, aside, children }: FieldProps): JSX.Element {
  const id = useId();
  return (
    <div class={`field ${error ? "invalid" : ""}`}>
      <div class="field-label">
        <label for={id}>{label}</label>
        {aside && <span class="aside">{aside}</span>}
      </div>
      {children({ id, "aria-describedby": `${id}-help`, "aria-invalid": Boolean(error) })}
      <div class="field-help" id={`${id}-help`}>
        {error ? <span class="field-error">{error}</span> : hint}
      </div>
    </div>
  );
}

interface TextProps extends Omit<FieldProps, "children"> {
  value: string;
  onValue: (value: string) => void;
  mono?: boolean;
  placeholder?: string;
  disabled?: boolean;
  type?: "text" | "password";
  inputMode?: "numeric" | "text";
  autocomplete?: string;
  autofocus?: boolean;
  list?: string[];
  maxLength?: number;
  name?: string;
}

export function TextField(props: TextProps): JSX.Element {
  const list = useId();
  return (
    <Field label={props.label} hint={props.hint} error={props.error} aside={props.aside}>
      {(attributes) => {
        const all = {
          ...attributes,
          class: props.mono ? "mono" : "",
          name: props.name,
          value: props.value,
          placeholder: props.placeholder,
          disabled: props.disabled,
          inputMode: props.inputMode,
          autocomplete: props.autocomplete ?? "off",
          autocapitalize: "off" as const,
          spellcheck: false,
          autofocus: props.autofocus,
          maxLength: props.maxLength,
          onInput: (event: { currentTarget: HTMLInputElement }) => props.onValue(event.currentTarget.value),
        };
        if (props.type === "password") return <input {...all} type="password" />;
        if (!props.list) return <input {...all} type="text" />;
        return (
          <>
            <input {...all} type="text" list={list} />
            <datalist id={list}>
              {props.list.map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          </>
        );
      }}
    </Field>
  );
}

interface SelectProps<T extends string> extends Omit<FieldProps, "children"> {
  value: T;
  options: readonly { value: T; label: string; disabled?: boolean }[];
  onValue: (value: T) => void;
  disabled?: boolean;
}

export function SelectField<T extends string>(props: SelectProps<T>): JSX.Element {
  return (
    <Field label={props.label} hint={props.hint} error={props.error} aside={props.aside}>
      {(attributes) => <Select {...props} attributes={attributes} />}
    </Field>
  );
}

/** A select without a visible label, which then has to be given. */
export function Select<T extends string>(
  props: Pick<SelectProps<T>, "value" | "options" | "onValue" | "disabled"> & {
    label?: ComponentChildren;
    attributes?: Record<string, string | boolean>;
    small?: boolean;
  },
): JSX.Element {
  return (
    <select
      {...(props.attributes ?? { "aria-label": String(props.label ?? "") })}
      class={props.small ? "small" : ""}
      value={props.value}
      disabled={props.disabled}
      onChange={(event) => props.onValue(event.currentTarget.value as T)}
    >
      {props.options.map((option) => (
        <option key={option.value} value={option.value} disabled={option.disabled} selected={option.value === props.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

export function Check(props: {
  label: ComponentChildren;
  hint?: ComponentChildren;
  checked: boolean;
  disabled?: boolean;
  onValue: (checked: boolean) => void;
}): JSX.Element {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        aria-describedby={props.hint ? `${id}-help` : undefined}
        onChange={(event) => props.onValue(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        {props.hint && (
          <div class="field-help" id={`${id}-help`}>
            {props.hint}
          </div>
        )}
      </div>
    </div>
  );
}

/** A choice between a few, all of them in sight. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; label: ComponentChildren; title?: string; disabled?: boolean }[];
  onValue: (value: T) => void;
}): JSX.Element {
  const name = useId();
  return (
    <div class="choice" role="radiogroup" aria-label={props.label}>
      {props.options.map((option) => (
        <label key={option.value} title={option.title} class={option.disabled ? "disabled" : ""}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === props.value}
            disabled={option.disabled}
            onChange={() => props.onValue(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
