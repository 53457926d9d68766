/**
 * As much of log4j 1.2 as MPJ Express calls, under log4j's names, because those are in {@code mpj.jar}. Below the level that
 * MPJ has from {@code mpjexpress.conf}, {@code OFF} as a rule, nothing is done and no logging is set up; what is logged
 * goes to slf4j.
 */
@NullMarked
package org.apache.log4j;

import org.jspecify.annotations.NullMarked;
