# A file without a misconfiguration is listed with the count of checks that it passed.
def looked: list(.Misconfigurations) != [] or ((.MisconfSummary.Successes? // 0) + (.MisconfSummary.Failures? // 0) > 0);
(list(.Results)[] | select(looked) | .Target? | place_of_file),
(list(.Resources)[] | select(any(list(.Results)[]; looked) and text(.Kind) and text(.Name))
  | place_of_object(.Kind; text(.Namespace); .Name))
