/**
 * What ranks write, line by line, on its way to the launcher's own stdout and stderr or to files. Uses {@code ranks} and
 * {@code host}. Begin with {@link dev.lockstep.launch.output.OutputRouter}.
 */
@NullMarked
package dev.lockstep.launch.output;

import org.jspecify.annotations.NullMarked;
