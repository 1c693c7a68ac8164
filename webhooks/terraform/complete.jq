# Since Terraform 1.8 a plan says whether it is of everything; of one with -target, complete is false. What is in no state was
# not refreshed: a plan over an empty state has looked at nothing.
def deep: [recurse(list(.child_modules)[]) | list(.resources)[] | text(.address) // empty];
if type == "object" and .complete == true and .errored != true
then (.prior_state.values.root_module? // {} | deep[]), (list(.resource_drift)[] | text(.address) // empty)
else empty end
