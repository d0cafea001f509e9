import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// The simulated browser has no font loading, which text areas that grow listen to.
Object.defineProperty(document, "fonts", { value: new EventTarget(), configurable: true });

afterEach(cleanup);
