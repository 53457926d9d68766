/**
 * What was measured, as JSON for programs and as one HTML page for people. Uses {@code results} and {@code prompts}.
 * Begin with {@link dev.lockstep.report.Report}, then {@link dev.lockstep.report.ReportPage}.
 */
@NullMarked
package dev.lockstep.report;

import org.jspecify.annotations.NullMarked;
