import { describeModel } from './describe-model.ts';
import { toyUnderTest } from './toy.ts';

describeModel('toy', toyUnderTest());
