//! Charts that a kustomization inflates: `helmCharts`.
