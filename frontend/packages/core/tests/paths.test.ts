import { countByOwner, leafOf, ownerOf, ownerPrefix, pathProblem, slug } from "@core/paths";
import { describe, expect, test } from "vitest";

describe("item paths", () => {
  test("an owner is a user or a folder", () => {
    expect(ownerOf("u/ada/report")).toEqual({ kind: "u", name: "ada" });
    expect(ownerOf("f/sales/etl/load")).toEqual({ kind: "f", name: "sales" });
    expect(ownerOf("g/all/x")).toBeNull();
  });

  test("the prefix and the leaf make up the path", () => {
    expect([ownerPrefix("f/sales/etl/load"), leafOf("f/sales/etl/load")]).toEqual(["f/sales", "etl/load"]);
  });

  test.each([
    ["", "A path is needed"],
    ["x/ada/a", "A path starts with u/ (user) or f/ (folder)"],
    ["f//a", "Choose a folder"],
    ["u//a", "Choose a user"],
    ["u/ada/", "Give it a name"],
    ["u/ada", "Give it a name"],
    ["u/ada/a//b", "A path has no empty part"],
    ["u/ada/a b", "Use letters, digits, - and _ only"],
    ["u/ada/../x", "Use letters, digits, - and _ only"],
  ])("%j is refused with a reason", (path, problem) => {
    expect(pathProblem(path)).toBe(problem);
  });

  test("a well-formed path has no problem", () => {
    expect(pathProblem("f/sales_2/etl/load-daily")).toBeNull();
  });

  test("a summary becomes a path segment", () => {
    expect(slug("  Löad daily sales! ")).toBe("load_daily_sales");
    expect(slug("!!!")).toBe("");
  });

  test("owners are counted, folders before users", () => {
    expect(countByOwner(["u/ada/a", "f/x/a", "f/x/b"])).toEqual([
      { prefix: "f/x", count: 2 },
      { prefix: "u/ada", count: 1 },
    ]);
  });
});
