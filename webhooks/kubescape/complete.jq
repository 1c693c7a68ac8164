# apps/v1/shop/Deployment/cart, or /v1/shop/Pod/cart.
def identity: [split("/")[] | select(. != "")]
  | (if .[0] | test("^v[0-9]") then .[1:] else .[2:] end)
  | if length == 3 then place_of_object(.[1]; .[0]; .[2]) elif length == 2 then place_of_object(.[0]; null; .[1]) else empty end;
([list(.resources)[] | select(text(.resourceID)) | {key: .resourceID, value: text(.source.relativePath)}] | from_entries) as $files
| list(.results)[] | select(list(.controls) != []) | text(.resourceID) // empty
| . as $id | ($files[$id] | if . then place_of_file else $id | identity end)
