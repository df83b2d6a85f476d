import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

function stored(): Theme {
  try {
    return (localStorage.getItem("collective.theme") as Theme | null) ?? "system";
  } catch {
    return "system";
  }
}

export const theme = signal<Theme>(stored());
/** scheme counts changes of the colours, so that plots draw anew. */
export const scheme = signal(0);

effect(() => {
  const value = theme.value;
  document.documentElement.style.colorScheme = value === "system" ? "light dark" : value;
  document.documentElement.dataset.theme = value;
  try {
    localStorage.setItem("collective.theme", value);
  } catch {
    // The choice holds until the page is closed.
  }
  scheme.value = scheme.peek() + 1;
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (scheme.value = scheme.peek() + 1));

/** color is the value of a CSS variable now, for canvases. */
export function color(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
