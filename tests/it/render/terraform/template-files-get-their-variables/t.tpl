n=${n}
%{ for x in l ~}
* ${upper(x)}
%{ endfor ~}
